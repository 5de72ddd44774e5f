"""Holds the crates named in the public API of others against a table, for `.ci/semver`.

Arguments: the table, and a file of rustdoc's JSON for each crate. Such a file has the public items only.
"""

import json
import sys

STANDARD = {"std", "core", "alloc"}
# Places of a crate without a row that are printed.
SHOWN = 5


def references(node):
    """Yields the identifiers of the types, traits and re-exported items that a part of an item names."""
    if isinstance(node, list):
        for part in node:
            yield from references(part)
    elif isinstance(node, dict):
        # A path to a type or trait, and a `use`, have the identifier of what they name.
        if isinstance(node.get("id"), int) and ("path" in node or "source" in node):
            yield node["id"]
        for part in node.values():
            yield from references(part)


def users_of_crates(documentation):
    """Returns, for each crate that the API names, the items that do, in order."""
    index, paths = documentation["index"], documentation["paths"]
    crates = documentation["external_crates"]
    items = {}
    generated = set()
    for item in index.values():
        implementation = item["inner"].get("impl")
        # Of auto traits, and of traits that other crates implement for all types.
        if implementation and (implementation["is_synthetic"] or implementation["blanket_impl"]):
            generated.add(item["id"])
            generated.update(implementation["items"])
    for item in index.values():
        if item["crate_id"] != 0 or item["id"] in generated:
            continue
        for reference in references(item["inner"]):
            path = paths.get(str(reference))
            if path is None or path["crate_id"] == 0:
                continue
            name = crates[str(path["crate_id"])]["name"]
            if name not in STANDARD:
                span = item["span"] or {"filename": "?", "begin": [0]}
                use = f"{span['filename']}:{span['begin'][0]} names {'::'.join(path['path'])}"
                items.setdefault(name, set()).add(use)
    return {name: sorted(uses) for name, uses in items.items()}


def rows(table):
    """Returns the pairs of crates of a table; each must have a reason."""
    pairs = set()
    with open(table, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#") or not line.strip():
                continue
            columns = line.split(maxsplit=2)
            if len(columns) < 3:
                sys.exit(f"error: a row of {table} without a reason: {line.strip()}")
            pairs.add(tuple(columns[:2]))
    return pairs


def main():
    table, *files = sys.argv[1:]
    unused = rows(table)
    failed = False
    for file in files:
        with open(file, encoding="utf-8") as text:
            documentation = json.load(text)
        crate = documentation["index"][str(documentation["root"])]["name"]
        used = users_of_crates(documentation)
        for name, uses in sorted(used.items()):
            if (crate, name) in unused:
                unused.remove((crate, name))
                print(f"{crate} names {name} in {len(uses)} places")
                continue
            failed = True
            print(f"error: {crate} has {name} in its public API, and {table} has no row for it:")
            print("\n".join(f"    {use}" for use in uses[:SHOWN]))
            if len(uses) > SHOWN:
                print(f"    and {len(uses) - SHOWN} more")
    for crate, name in sorted(unused):
        failed = True
        print(f"error: {table} has a row for {name}, which {crate} does not name")
    sys.exit(failed)


main()
