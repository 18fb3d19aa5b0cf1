#!/bin/sh
# Makes or updates .venv from requirements.txt, for the Makefile. All or nothing: a first set-up that fails or is
# interrupted leaves no .venv behind, and one that was killed is started afresh the next time.
#
#   PYTHON=/path/to/python3.12 sh setup.sh      # to choose the Python
set -eu
cd "$(dirname "$0")"
venv=.venv
unfinished=$venv/.unfinished  # stands there while this script is at work

fail() {
    echo "make: $*" >&2
    exit 1
}

# --- Which Python -----------------------------------------------------------------------------------------------------
version_of() { # prints "3.12", or nothing for what is no working Python
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

fits() { # is this version one that the pins of requirements.txt were tested on?
    case $1 in 3.11 | 3.12 | 3.13) true ;; *) false ;; esac
}

find_python() { # sets python and version
    found=
    for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
        version=$(version_of "$python")
        if fits "$version"; then return; fi
        [ -z "$version" ] || found="${found:+$found, }$python is $version"
    done
    fail "Python 3.11, 3.12 or 3.13 is needed; found ${found:-no working ${PYTHON:-python3}}." \
        "Name another one so: make PYTHON=/path/to/python3.12 ..."
}

check_venv_module() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python ($version) lacks the venv module. On Debian and Ubuntu: apt-get install python3-venv"
}

# --- All or nothing ---------------------------------------------------------------------------------------------------
first=
leave() { # on every way out
    if [ -n "$first" ]; then
        rm -rf "$venv"
        echo "make: set-up not finished; nothing was left behind." >&2
    else
        rm -f $unfinished $venv/pip.log # done; or an update failed, which make will try again
    fi
}

# --- The work ---------------------------------------------------------------------------------------------------------
if [ -e $unfinished ]; then # another set-up is at work, or the last one was killed
    ! kill -0 "$(cat $unfinished)" 2>/dev/null || fail "another set-up is at work here (process $(cat $unfinished)): wait for it."
    rm -rf $venv
fi
[ -x $venv/bin/python ] || rm -rf $venv # its Python is gone

if [ -d $venv ]; then
    version=$(version_of $venv/bin/python)
    fits "$version" || fail "$venv is of Python $version; Python 3.11, 3.12 or 3.13 is needed. Remove it: rm -r $venv"
    echo "Updating $venv ..."
else
    find_python
    check_venv_module
    echo "Making $venv with $python ($version): 1 to 4 GB to download (torch is most of it), only this once."
    first=yes
fi
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mkdir -p $venv
echo $$ >$unfinished
[ -z "$first" ] || "$python" -m venv $venv
pip="$venv/bin/python -m pip --disable-pip-version-check"

# The newest pip first: it is small, so this also tells at once whether the package index answers.
if ! $pip install --quiet --retries 1 "$(grep '^pip==' requirements.txt)" 2>$venv/pip.log; then
    fail "the package index does not answer (no network?). pip says: $(grep -m1 ERROR $venv/pip.log)"
fi
$pip install -r requirements.txt || fail "pip could not install requirements.txt; its message stands above."
if ! $pip install --quiet --no-deps --no-build-isolation --editable . 2>$venv/pip.log; then
    cat $venv/pip.log >&2
    fail "pip could not install the package wordspace; its message stands above."
fi
# What a browser needs to run chapter 12's student, from npm. The rest of the course does without.
$venv/bin/python -m wordspace.web_runtime ||
    echo "make: the book's page of the student will be without it; to try again: $venv/bin/python -m wordspace.web_runtime" >&2

first=
touch $venv/.installed # now the Makefile knows that all is there
