"""The baseline that classifiers are judged by: character 1–4-grams, TF-IDF, a linear SVM.

    python benchmarks/tfidf_svm.py TRAIN TEST

reads labelled text as ``munmaek train classify`` does and prints accuracy and macro F1, with their
signature, as one JSON object. Characters need no tokenizer, so the baseline is the same in every
language. Sources: Joachims 1998 (SVMs on text); Wang & Manning 2012 (n-gram SVMs as baselines).
"""

import argparse
import json
import sys
import time

from sklearn import __version__ as sklearn_version
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from munmaek.errors import MunmaekError
from munmaek.metrics import classification_scores, sign
from munmaek.text.corpora import read_labelled


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", help="TSV, CSV or JSONL with text and label")
    parser.add_argument("test", help="the same for testing")
    arguments = parser.parse_args()
    try:
        train, test = read_labelled([arguments.train]), read_labelled([arguments.test])
    except MunmaekError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    features = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), min_df=2, sublinear_tf=True)
    model = make_pipeline(features, LinearSVC(C=0.3, dual="auto", random_state=0))
    began = time.perf_counter()
    model.fit(train.texts, train.labels)
    trained = time.perf_counter()
    predicted = model.predict(test.texts).tolist()
    done = time.perf_counter()
    signature = sign(
        task="classify",
        stage="tfidf-svm",
        tokenizer="characters",
        more=(("ngrams", "1-4"), ("min_df", "2"), ("C", "0.3"), ("sklearn", sklearn_version)),
    )
    scores = classification_scores(predicted, list(test.labels), signature=signature)
    found = {
        "train": len(train.texts),
        "test": len(test.texts),
        "features": len(features.vocabulary_),
        "train_seconds": round(trained - began, 1),
        "texts_per_second": round(len(test.texts) / (done - trained)),
        "scores": {name: score.to_json() for name, score in scores.items()},
    }
    print(json.dumps(found, ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
