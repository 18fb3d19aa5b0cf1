"""Chapter 11's lesson code for speech, held to scipy, to pencils and to plain loops."""

import numpy as np
import pytest
import torch
from scipy import signal
from torch.nn import functional as F

from wordspace import lessons, pictures, speech


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("11_clip")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# --- From samples to mel bands ----------------------------------------------------------------------------------------
def test_frames_are_slices(lesson, rng):
    x = rng.normal(size=50)
    frames = lesson.framed(x, N=8, H=5)
    assert frames.shape == (9, 8)
    assert all(np.array_equal(frame, x[5 * m : 5 * m + 8]) for m, frame in enumerate(frames))
    with pytest.raises(ValueError, match="7 samples: a frame needs 8"):
        lesson.framed(x[:7], N=8, H=5)


def test_power_spectrum_is_scipys(lesson):
    x = speech.say("hedgehog", "en").astype(float)
    for N, H in ((512, 320), (256, 64)):
        how = {"nperseg": N, "noverlap": N - H, "boundary": None, "padded": False}
        theirs = np.abs(signal.stft(x, window="hann", **how)[2].T) * N / 2
        assert abs(np.sqrt(lesson.power_spectrum(x, N, H)) - theirs).max() < 1e-5


def test_power_spectrum_is_the_sum_in_the_formula(lesson, rng):
    x, N = rng.normal(size=16), 16
    w = [0.5 - 0.5 * np.cos(2 * np.pi * n / N) for n in range(N)]
    for k in range(N // 2 + 1):
        X = sum(w[n] * x[n] * np.exp(-2j * np.pi * k * n / N) for n in range(N))
        assert np.isclose(lesson.power_spectrum(x, N, 4)[0, k], abs(X) ** 2)


def test_mel_and_hertz_undo_each_other(lesson):
    f = np.linspace(0, 11025, 50)
    assert np.allclose(lesson.hertz(lesson.mel(f)), f)
    assert abs(lesson.mel(1000) - 1000) < 0.1
    assert lesson.mel(0) == 0


@pytest.mark.parametrize("hertz", [150, 440, 1000, 3000, 8000])
def test_a_pure_tone_lights_up_its_band(lesson, hertz):
    x = np.cos(2 * np.pi * hertz * np.arange(512) / speech.RATE)
    bands = lesson.mel_filters() @ lesson.power_spectrum(x)[0]
    peaks = lesson.hertz(np.linspace(0, lesson.mel(speech.RATE / 2), 42))[1:-1]
    assert abs(bands.argmax() - abs(peaks - hertz).argmin()) <= (1 if hertz < 500 else 0)


def test_neighbouring_filters_add_up_to_one(lesson):
    filters, f = lesson.mel_filters(), np.arange(257) * speech.RATE / 512
    peaks = lesson.hertz(np.linspace(0, lesson.mel(speech.RATE / 2), 42))[1:-1]
    inside = (f >= peaks[0]) & (f <= peaks[-1])
    assert np.allclose(filters.sum(axis=0)[inside], 1)
    assert (filters.max(axis=1) > 0).all()


def test_log_mel_has_no_mean_and_does_not_mind_loudness(lesson):
    x = speech.say("whale", "en")
    S = lesson.log_mel(x, floor=0)
    assert S.shape == (1 + (len(x) - 512) // 320, 40)
    assert abs(S.mean(axis=0)).max() < 1e-9
    assert np.allclose(lesson.log_mel(x * 4, floor=0), S)


def test_heard_is_padded_and_cut(lesson):
    X, real = lesson.heard(["ox", "a very long name that takes its time to be said"], "en", "Ed")
    assert X.shape == (2, 90, 40)
    assert real[1].all()
    m = int(real[0].sum())
    assert 0 < m < 60
    assert (real[0, :m] == 1).all()
    assert not X[0, m:].any()


# --- The tower and its loss --------------------------------------------------------------------------------------------
def test_what_is_not_real_changes_nothing(lesson, rng):
    torch.manual_seed(0)
    ear = lesson.AudioTower(16).eval()
    X, real = torch.tensor(rng.normal(size=(3, 40, 40)), dtype=torch.float32), torch.ones(3, 40)
    longer = F.pad(X, (0, 0, 0, 25)), F.pad(real, (0, 25))
    assert torch.allclose(ear(X, real), ear(*longer), atol=1e-6)
    assert torch.allclose(ear(X, real).norm(dim=1), torch.ones(3), atol=1e-6)
    assert sum(p.numel() for p in ear.parameters()) < 500_000


def test_binding_loss_is_a_double_loop(lesson, rng):
    A, Z = (F.normalize(torch.tensor(rng.normal(size=(n, 5))), dim=1) for n in (4, 9))
    t, scale = torch.tensor([7, 0, 3, 2]), 8.0
    S = np.exp(scale * (A @ Z.T).numpy())
    total = 0.0
    for i in range(4):
        own = S[i, t[i]]
        total -= np.log(own / S[i].sum()) + np.log(own / sum(S[j, t[i]] for j in range(4)))
    assert np.isclose(lesson.binding_loss(A, Z, t, scale).item(), total / 8)


def test_with_all_targets_in_the_batch_it_is_symmetric_infonce(lesson, rng):
    A, Z = (F.normalize(torch.tensor(rng.normal(size=(6, 5))), dim=1) for _ in range(2))
    S, own = 10 * A @ Z.T, torch.arange(6)
    expected = (F.cross_entropy(S, own) + F.cross_entropy(S.T, own)) / 2
    assert torch.isclose(lesson.binding_loss(A, Z, own, 10.0), expected)


def test_an_ear_learns_a_few_words_and_the_targets_stay(lesson, capsys):
    words = ["dog", "cat", "whale", "umbrella", "bread", "moon", "violin", "cactus"]
    sets = [lesson.heard(words, "en", voice) for voice in ("Ann", "Ed")]
    X, real = (torch.stack(tensors) for tensors in zip(*sets, strict=True))
    Z = F.normalize(torch.randn(8, 16, generator=torch.Generator().manual_seed(1)), dim=1)
    before = Z.clone()
    ear = lesson.train_ear(X, real, Z, steps=60)
    with torch.no_grad():
        A = ear(*lesson.heard(words, "en", "Gus"))
    assert torch.equal(Z, before)
    assert lesson.recall_at(lesson.spoken_ranks(A, Z), 1) >= 0.75
    again = lesson.train_ear(X, real, Z, steps=60)
    assert all(torch.equal(p, q) for p, q in zip(ear.parameters(), again.parameters(), strict=True))


# --- The rival and the measures ------------------------------------------------------------------------------------------
def test_stretched_follows_the_real_frames_only(lesson):
    X = torch.zeros(2, 6, 1)
    X[0, :, 0], X[1, :3, 0] = torch.arange(6.0), torch.tensor([0.0, 2, 4])
    real = torch.ones(2, 6)
    real[1, 3:] = 0
    S = lesson.stretched(X, real, frames=12)
    assert S.shape == (2, 12)
    assert torch.allclose(S.norm(dim=1), torch.ones(2))
    assert (S[1].diff() >= 0).all()


def test_sounds_like_finds_a_word_in_another_voice(lesson):
    words = ["dog", "cat", "whale", "umbrella"]
    sets = [lesson.heard(words, "en", voice) for voice in ("Ann", "Ed")]
    known = [torch.stack(tensors) for tensors in zip(*sets, strict=True)]
    assert lesson.sounds_like(*lesson.heard(words, "en", "Gus"), *known).tolist() == [0, 1, 2, 3]


def test_ranks_and_recall_by_hand(lesson):
    A = torch.eye(2)
    Z = torch.tensor([[1.0, 0], [0.6, 0.5]])
    assert lesson.spoken_ranks(A, Z).tolist() == [1, 1]
    assert lesson.spoken_ranks(A, Z[[1, 0]]).tolist() == [2, 2]
    assert lesson.recall_at(np.array([1, 2, 5, 6]), 5) == 0.75


def test_words_heard(lesson):
    every = pictures.pictures()
    by_name = {picture.names["en"]: n for n, picture in enumerate(every)}
    known = [by_name["green apple"], by_name["red heart"]]
    assert lesson.all_heard([by_name["red apple"], by_name["whale"]], "en", known).tolist() == [True, False]


@pytest.mark.slow
def test_new_names_are_found_far_above_chance(lesson):
    rows, new = lesson.plain_rows("train"), lesson.plain_rows("test concept")
    assert (len(rows), len(new)) == (1428, 164)
    assert not set(lesson.names_of(rows, "en")) & set(lesson.names_of(new, "en"))
