"""Checks events, one per line of standard input, against the published schema of OCSF: the class, version and profiles that each event says."""

import json
import sys
from functools import cache

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema


@cache
def validator(version, class_uid, profiles):
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version))
    name = schema.lookup_class_name_from_uid(class_uid)
    return Draft202012Validator(schema.get_class_schema(name, list(profiles)))


problems = 0
count = 0
for line in sys.stdin:
    event = json.loads(line)
    metadata = event["metadata"]
    profiles = tuple(metadata.get("profiles", []))
    count += 1
    for error in validator(metadata["version"], event["class_uid"], profiles).iter_errors(event):
        problems += 1
        print(f"{error.json_path}: {error.message}")
print("checked", count)
sys.exit(1 if problems else 0)
