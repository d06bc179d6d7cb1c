# Test code only: what the original did to check its audit.log, written anew from its description: pop the root, dump the rest as
# Python does, and compare the chain.
import hashlib
import json
import sys

root = hashlib.sha256(b"SAFEAI_GENESIS_2025").hexdigest()
count = 0
with open(sys.argv[1]) as log:
    for line in log:
        record = json.loads(line)
        said = record.pop("merkle_root")
        if count > 0:
            if record["prev_root"] != root:
                sys.exit(f"line {count}: expected prev_root {root}")
            text = json.dumps(record, sort_keys=True)
            root = hashlib.sha256((root + text).encode()).hexdigest()
        if said != root:
            sys.exit(f"line {count}: expected merkle_root {root}")
        count += 1
print(count, root)
