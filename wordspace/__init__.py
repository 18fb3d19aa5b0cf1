"""What every chapter of *Word Embeddings in Depth* needs and no chapter teaches."""

from wordspace.glossary import set_edition


def start(edition: str) -> None:
    """Make a chapter ready: its language and the figures' style.

    Args:
        edition: ``"en"`` or ``"zh"``: the language of labels, tables and hints.

    Raises:
        ValueError: there is no such edition.
    """
    set_edition(edition)
    from wordspace import plots

    plots.use_style()
