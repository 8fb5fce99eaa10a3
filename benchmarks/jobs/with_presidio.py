"""Rows with texts scrubbed by Presidio: python with_presidio.py rows_text SHAPE IN OUT.

Its recognizers of links and e-mail addresses and one of handles, on a blank language model: no downloads.
"""

import logging
import sys

import spacy
import tldextract
from plain import run
from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import EmailRecognizer, UrlRecognizer
from presidio_anonymizer import AnonymizerEngine
from presidio_anonymizer.entities import OperatorConfig


class Blank(SpacyNlpEngine):
    """An engine without a model."""

    def __init__(self) -> None:
        super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
        self.nlp = {"en": spacy.blank("en")}

    def load(self) -> None:
        """Nothing to load."""


def main(job: str, shape: str, source: str, out: str) -> None:
    """The plain loop with Presidio's scrub in the place of ours."""
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    offline = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    tldextract.extract = tldextract.tldextract.extract = offline
    handles = PatternRecognizer("HANDLE", patterns=[Pattern("at", "[@＠][A-Za-z0-9_]+", 0.6)])
    recognizers = [EmailRecognizer(), UrlRecognizer(), handles]
    registry = RecognizerRegistry(recognizers=recognizers, supported_languages=["en"])
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])
    anonymizer, redact = AnonymizerEngine(), {"DEFAULT": OperatorConfig("redact", {})}
    run(
        job,
        shape,
        source,
        out,
        lambda text: anonymizer.anonymize(text, analyzer.analyze(text, "en"), redact).text,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
