"""An endpoint of AWS' TensorFlow Serving image: a line of JSON in, a line of JSON out.

Finds models and reads attributes by the rules of AWS' container, and answers by those of TensorFlow Serving, which
tests/test_serving.py has.
"""

import importlib.util
import json
import pathlib
import re
import sys

import imagents  # noqa: F401  # before TensorFlow


def main(folder: str, default: str) -> None:
    path = pathlib.Path(__file__).parents[1] / "export" / "test_serving.py"
    spec = importlib.util.spec_from_file_location("rest", path)
    rest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rest)
    files = sorted(pathlib.Path(folder).rglob("saved_model.pb"))
    models = {path.parents[1].name: path.parent for path in files if path.parent.name.isdigit()}
    servers = {}
    for line in sys.stdin:
        asked = json.loads(line)
        attributes = dict(pair.split("=") for pair in re.findall(r"(tfs-[a-z\-]+=[^,]+)", asked["attributes"]))
        name = attributes.get("tfs-model-name", default)
        if name not in models:
            answer = {"status": 404, "body": json.dumps({"error": f"Servable not found: {name}"})}
        else:
            try:
                if name not in servers:
                    servers[name] = rest.Server(models[name])
                answer = {"status": 200, "body": servers[name].post(asked["body"])}
            except Exception as error:
                answer = {"status": 400, "body": json.dumps({"error": str(error) or repr(error)})}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
