# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

"""Runs Presidio's pattern recognisers over a set of texts.

Arguments: the set, and the file that the findings are written to. Both hold a
JSON object a line; pii-eval writes the one and reads the other.
"""

import json
import sys
import time

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer import predefined_recognizers as predefined
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

ENTITIES = {
    "EMAIL_ADDRESS": predefined.EmailRecognizer,
    "PHONE_NUMBER": predefined.PhoneRecognizer,
    "CREDIT_CARD": predefined.CreditCardRecognizer,
    "US_SSN": predefined.UsSsnRecognizer,
    "IBAN_CODE": predefined.IbanRecognizer,
    "IP_ADDRESS": predefined.IpRecognizer,
}


class Words(NlpEngine):
    """Splits text into words, so that context words count; no model."""

    def __init__(self):
        self.nlp = spacy.blank("en")

    def load(self):
        pass

    def is_loaded(self):
        return True

    def process_text(self, text, language):
        doc = self.nlp(text)
        return NlpArtifacts(
            entities=[],
            tokens=doc,
            tokens_indices=[token.idx for token in doc],
            lemmas=[token.text.lower() for token in doc],
            nlp_engine=self,
            language=language,
        )

    def process_batch(self, texts, language, **kwargs):
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word, language):
        return self.nlp.vocab[word].is_stop

    def is_punct(self, word, language):
        return self.nlp.vocab[word].is_punct

    def get_supported_entities(self):
        return []

    def get_supported_languages(self):
        return ["en"]


def main(texts, findings):
    # The list of public suffixes that comes with the package: nothing is fetched.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    registry = RecognizerRegistry(recognizers=[r() for r in ENTITIES.values()])
    engine = AnalyzerEngine(registry=registry, nlp_engine=Words(), supported_languages=["en"])
    with open(texts, encoding="utf-8") as lines:
        samples = [json.loads(line)["text"] for line in lines]
    with open(findings, "w", encoding="utf-8") as out:
        for text in samples:  # loads what is loaded when it is needed first
            engine.analyze(text, "en", entities=list(ENTITIES))
        for text in samples:
            micros = float("inf")
            for _ in range(5):  # the shortest: others are at work on this machine
                begin = time.perf_counter()
                results = engine.analyze(text, "en", entities=list(ENTITIES))
                micros = min(micros, (time.perf_counter() - begin) * 1e6)
            spans = sorted((r.entity_type, r.start, r.end) for r in results)
            json.dump({"text": text, "spans": spans, "micros": micros}, out, ensure_ascii=False)
            out.write("\n")


main(*sys.argv[1:])
