"""简体中文 for the command line's own words, and for those of Typer."""

from pks_portal.cli.chinese import answers, commands, emergency, framework, images, people, security, upkeep

TEXTS = {
    **commands.TEXTS, **answers.TEXTS, **emergency.TEXTS, **people.TEXTS, **images.TEXTS, **security.TEXTS,
    **upkeep.TEXTS,
}  # fmt: skip
TYPER = framework.TYPER
