#!/usr/bin/env python3
"""Distils what providers accept into small JSON files, for checks where the providers themselves can't be had.

    distil.py google|hcloud    writes schemas/<provider>.json anew; needs pip and the Python registry

Only the kinds of resources that our Terraform uses are kept. Google's come from generated JavaScript (every argument is
annotated there), Hetzner's from generated Python. An argument is written as `<type> <required|optional|computed>`; a block
has `many` when it may be repeated. What can't be seen in these packages: validation beyond types, conflicts between
arguments, and for Hetzner which optional arguments the provider fills in (all are taken to be).
"""

import ast
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

TERRAFORM = Path(__file__).resolve().parent.parent
PACKAGES = {
    "google": ("cdktn-provider-google", "21.1.0", "hashicorp/google", "8.7.0"),
    # The package does not name its provider version; this is the version that we pin.
    "hcloud": ("pulumi-hcloud", "1.43.3", "hetznercloud/hcloud", None),
}
USED = re.compile(r'^\s*(?:resource|data)\s+"(\w+)"', re.M)


def used(provider):
    kinds = set()
    for file in TERRAFORM.rglob("*.tf"):
        kinds |= {kind for kind in USED.findall(file.read_text()) if kind.startswith(provider + "_")}
    return sorted(kinds)


def wheel(package, version, folder):
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, f"{package}=={version}"],
        check=True,
    )
    return zipfile.ZipFile(next(Path(folder).glob("*.whl")))


# --- Google: JavaScript ---------------------------------------------------------------------------------------------

ENTRY = re.compile(
    r"^ {8,12}(\w+): \{\n\s+value: (.*),\n\s+isBlock: (true|false),\n\s+type: \"(\w+)\",\n\s+storageClassType: \"(\w+)\"",
    re.M,
)
NOTE = re.compile(r"// (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n(.*?)(?=\n    // \w+ - computed|\n    // =====|\Z)", re.S)
GETTER = re.compile(r"this\.get(\w+?)Attribute\('(\w+)'\)|new (\w+?)\(this, ['\"](\w+)['\"]|interpolationForAttribute\('(\w+)'\)")
SIMPLE = {
    "string": "string", "number": "number", "boolean": "bool",
    "stringMap": "map(string)", "booleanMap": "map(bool)", "numberMap": "map(number)",
    "stringList": "list(string)", "numberList": "list(number)", "booleanList": "list(bool)",
}
READ = {
    "String": "string", "Number": "number", "Boolean": "bool", "List": "list(string)", "NumberList": "list(number)",
    "StringMap": "map(string)", "BooleanMap": "map(bool)", "NumberMap": "map(number)",
}


class Script:
    """One resource's generated script."""

    def __init__(self, text):
        self.maps, self.classes = {}, {}
        for match in re.finditer(r"^function (\w+)ToHclTerraform\(.*?^\}", text, re.S | re.M):
            self.maps[match[1].lower()] = match[0]
        for match in re.finditer(r"^(?:export )?class (\w+) extends .*?^\}", text, re.S | re.M):
            self.classes[match[1]] = match[0]

    def notes(self, name):
        body = self.classes.get(name, "")
        found = {}
        for camel, computed, optional, required, rest in NOTE.findall(body):
            getter = GETTER.search(rest)
            if getter:
                snake = getter[2] or getter[4] or getter[5]
                found[snake] = (computed == "true", optional == "true", required == "true", getter[1], getter[3])
        return found

    def block(self, class_name, entries_in):
        notes = self.notes(class_name)
        attributes, blocks = {}, {}
        for name, value, is_block, kind, stored in ENTRY.findall(entries_in):
            computed, optional, required = notes.get(name, (False, True, False))[:3]
            need = "required" if required else "optional computed" if computed else "optional"
            if stored in SIMPLE:
                shape = SIMPLE[stored]
                attributes[name] = f"{shape.replace('list', 'set') if kind == 'set' else shape} {need}"
                continue
            base = re.sub(r"(List|Set|Map)$", "", stored)
            child = self.block(base + "OutputReference", self.maps.get(base.lower(), ""))
            if is_block == "false":
                attributes[name] = f"any {need}"
                continue
            nesting = "single" if kind == "struct" else kind
            entry = {"nesting": nesting}
            if required:
                entry["required"] = True
            if nesting != "single" and "listMapper" in value:
                entry["many"] = True
            blocks[name] = entry | child
        for name, (computed, optional, required, read, of) in notes.items():
            if name in attributes or name in blocks:
                continue
            if read:
                attributes[name] = f"{READ.get(read, 'any')} computed"
            else:
                # A list of objects that only the provider sets.
                fields = self.notes(re.sub(r"List$", "OutputReference", of or ""))
                inner = {field: READ.get(seen[3] or "", "any") for field, seen in fields.items()}
                attributes[name] = {"list": inner} if inner else "any computed"
        return {"attributes": dict(sorted(attributes.items())), **({"blocks": dict(sorted(blocks.items()))} if blocks else {})}


def google(archive):
    bundle = next(name for name in archive.namelist() if name.endswith(".tgz"))
    with archive.open(bundle) as stream, tarfile.open(fileobj=stream, mode="r:gz") as tar:
        wanted = {}
        for kind in used("google"):
            plain = kind.removeprefix("google_").replace("_", "-")
            wanted[f"package/lib/{plain}"] = kind
        wanted["package/lib/provider"] = "provider"
        texts = {}
        for member in tar:
            # Large resources are spread over several files.
            kind = wanted.get("/".join(member.name.split("/")[:3]))
            if kind and member.name.endswith(".js"):
                texts[kind] = texts.get(kind, "") + "\n" + tar.extractfile(member).read().decode()
    missing = sorted(set(wanted.values()) - set(texts))
    if missing:
        sys.exit(f"no such resource: {', '.join(missing)}")
    resources = {}
    for kind, text in sorted(texts.items()):
        script = Script(text)
        parent = "TerraformProvider" if kind == "provider" else "TerraformResource"
        name = next(name for name, body in script.classes.items() if f"extends cdktn.{parent}" in body.split("\n")[0])
        body = script.classes[name]
        entries = body[body.index("synthesizeHclAttributes") :]
        resources[kind] = script.block(name, entries)
        resources[kind].get("blocks", {}).pop("timeouts", None)
        if kind != "provider":
            resources[kind]["attributes"]["id"] = "string optional computed"
    return resources


# --- Hetzner: Python ------------------------------------------------------------------------------------------------

SCALARS = {"str": "string", "int": "number", "float": "number", "bool": "bool"}


def unwrap(node):
    """`Optional[pulumi.Input[T]]` in any order: T, and whether it may be absent."""
    optional = False
    while isinstance(node, ast.Subscript):
        outer = ast.unparse(node.value).split(".")[-1]
        if outer == "Optional":
            optional = True
        elif outer != "Input":
            break
        node = node.slice
    return node, optional


def shape(node, inputs):
    node, _ = unwrap(node)
    if isinstance(node, ast.Subscript):
        outer = ast.unparse(node.value).split(".")[-1]
        if outer == "Sequence":
            inner = shape(node.slice, inputs)
            return ("many", inner[1]) if isinstance(inner, tuple) else f"set({inner})"
        if outer == "Mapping":
            return f"map({shape(node.slice.elts[1], inputs)})"
        if outer == "Union":
            return shape(node.slice.elts[0], inputs)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ("one", members(inputs[node.value], inputs))
    return SCALARS[ast.unparse(node).split(".")[-1]]


def parameters(cls):
    init = next(part for part in cls.body if isinstance(part, ast.FunctionDef) and part.name == "__init__")
    arguments = init.args.kwonlyargs
    return {a.arg: (a.annotation, default is None) for a, default in zip(arguments, init.args.kw_defaults)}


def members(cls, inputs, settable=None):
    attributes, blocks = {}, {}
    for name, (annotation, required) in parameters(cls).items():
        what = shape(annotation, inputs)
        if isinstance(what, tuple):
            many, child = what[0] == "many", what[1]
            # Repeatable blocks have plural names there.
            plain = name[:-1] if many and name.endswith("s") else name
            blocks[plain] = {"nesting": "set" if many else "list", **({"many": True} if many else {})} | child
            continue
        if settable is None:
            need = "required" if required else "optional computed"
        elif name not in settable:
            need = "computed"
        else:
            need = "required" if settable[name] else "optional computed"
        attributes[name] = f"{what} {need}"
    return {"attributes": dict(sorted(attributes.items())), **({"blocks": dict(sorted(blocks.items()))} if blocks else {})}


def hcloud(archive):
    def classes(path):
        tree = ast.parse(archive.read(f"pulumi_hcloud/{path}.py"))
        return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    inputs = classes("_inputs")
    resources = {}
    for kind in used("hcloud"):
        plain = kind.removeprefix("hcloud_")
        name = "".join(word.capitalize() for word in plain.split("_"))
        found = {key.lower(): value for key, value in classes(plain).items()}
        # If a nested type already has the name, the resource's arguments are called InitArgs.
        arguments = found.get(f"{name}args".lower()) or found[f"{name}initargs".lower()]
        settable = {key: required for key, (_, required) in parameters(arguments).items()}
        resources[kind] = members(found[f"_{name}state".lower()], inputs, settable)
        resources[kind]["attributes"]["id"] = "string computed"
    resources["provider"] = members(classes("provider")["ProviderArgs"], inputs)
    return resources


def main():
    provider = sys.argv[1]
    package, version, source, provider_version = PACKAGES[provider]
    with tempfile.TemporaryDirectory() as folder:
        archive = wheel(package, version, folder)
        resources = {"google": google, "hcloud": hcloud}[provider](archive)
    document = {
        "provider": source,
        "made_of": f"{package} {version}, by terraform/schemas/distil.py {provider}",
        "version": provider_version,
        "configuration": resources.pop("provider"),
        "resources": resources,
    }
    target = TERRAFORM / "schemas" / f"{provider}.json"
    target.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    print(f"{target.name}: {len(resources)} kinds of resources")


if __name__ == "__main__":
    main()
