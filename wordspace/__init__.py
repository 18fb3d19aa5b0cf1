"""What every chapter of *Word Embeddings in Depth* needs and no chapter teaches."""

import warnings

from wordspace.glossary import set_edition

NOISE = (  # what libraries say to one another, and no reader can act upon
    "IProgress not found",  # tqdm: bars are drawn as text, which needs no more packages
    "`is_gradient_checkpointing` is deprecated",  # peft, of transformers
)


def start(edition: str) -> None:
    """Make a chapter ready: its language, the figures' style, and quiet.

    Args:
        edition: ``"en"`` or ``"zh"``: the language of labels, tables and hints.

    Raises:
        ValueError: there is no such edition.
    """
    set_edition(edition)
    for message in NOISE:
        warnings.filterwarnings("ignore", message=message)
    from wordspace import plots

    plots.use_style()
