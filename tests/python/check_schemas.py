"""Compares the JSON Schemas of our YAML files with what they describe.

Every document in the files of experiments/ must be accepted by the schema that it names (a figure, which has none, is
read by the program alone), and every file of tests/data/yaml that expected.txt marks `schema` must be refused by the
schema of its kind.
"""

import json
import re
import sys
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("station", "experiment", "neuron")
WITHOUT_SCHEMA = ("figure",)


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2: only true and false are truth values, so that `trace: off` stays a word."""


CoreLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


def validators():
    """A validator for each kind of file; the schemas themselves are checked first."""
    found = {}
    for kind in KINDS:
        schema = json.loads((ROOT / f"docs/schemas/{kind}.schema.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        found[kind] = jsonschema.Draft202012Validator(schema)
    return found


def load(path):
    return yaml.load(path.read_text(encoding="utf-8"), Loader=CoreLoader)


def refusal(validator, document):
    """The first reason for which a schema refuses a document, or None."""
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    return None if error is None else f"{error.json_path}: {error.message}"


def examples_refused(found):
    paths = sorted((ROOT / "experiments").rglob("*.yaml"))
    if len(paths) < 5:
        yield f"experiments/ holds only {len(paths)} files"
    for path in paths:
        for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=CoreLoader):
            match = re.fullmatch(r"thyrode\.(\w+)/1", str(document.get("schema")))
            if match is not None and match[1] in WITHOUT_SCHEMA:
                continue
            if match is None or match[1] not in found:
                yield f"{path}: schema {document.get('schema')} has no JSON Schema"
            elif reason := refusal(found[match[1]], document):
                yield f"{path}: refused: {reason}"


def bad_files_accepted(found):
    folder = ROOT / "tests/data/yaml"
    count = 0
    for line in (folder / "expected.txt").read_text(encoding="utf-8").splitlines():
        refused_by, message = line.split(maxsplit=1)
        if refused_by != "schema":
            continue
        count += 1
        name = message.split(":")[0]
        if refusal(found[name.split("-")[0]], load(folder / name)) is None:
            yield f"{folder / name}: the schema accepts it"
    if count < 40:
        yield f"expected.txt names only {count} files that a schema refuses"


def main():
    found = validators()
    problems = [*examples_refused(found), *bad_files_accepted(found)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
