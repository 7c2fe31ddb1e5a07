"""Take out of notebooks what a run leaves in them: outputs, numbers, metadata of the editor.

    python docs/clear_notebooks.py notebooks/*.ipynb

What a git hook runs before a commit. It needs the standard library alone.
"""

import json
import sys
from pathlib import Path

KERNEL = {
    "kernelspec": {
        "display_name": "Python (realtime web analytics)",
        "language": "python",
        "name": "realtime-web-analytics",
    },
    "language_info": {"name": "python"},
}


def main() -> int:
    """Clear the notebooks that are named; return 1 if one of them changed, as a hook should."""
    changed = False
    for path in map(Path, sys.argv[1:]):
        before = path.read_text(encoding="utf-8")
        after = cleared(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"cleared {path}")
            changed = True
    return int(changed)


def cleared(text: str) -> str:
    """Return a notebook's text as it is kept in git."""
    notebook = json.loads(text)
    notebook["metadata"] = KERNEL
    for cell in notebook["cells"]:
        tags = cell["metadata"].get("tags")
        cell["metadata"] = {"tags": tags} if tags else {}
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
