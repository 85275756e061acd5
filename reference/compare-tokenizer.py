"""Compares our tokenizer and chat template with Python's on an exported folder.

    SEPO_EXPORT=FOLDER npx vitest run src/text/python.test.ts
    PYTHON reference/compare-tokenizer.py FOLDER

FOLDER, an absolute path, holds a tokenizer as `saveTokenizer` writes it and `comparison.json`:
    {"texts": [{"text", "ids"}], "conversations": [{"messages", "answer", "text", "ids"}],
     "end": id, "pad": id, "vocabularySize": n, "pinned": n}
Prints Python's ids of the first `pinned` texts and of the conversations, which `src/text/python.test.ts` holds, and exits with 1
when anything differs.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer


def main(folder: Path) -> int:
    comparison = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    raw = Tokenizer.from_file(str(folder / "tokenizer.json"))
    raw.encode_special_tokens = True  # spellings of special tokens are text
    full = AutoTokenizer.from_pretrained(folder)
    differences = 0

    def check(what: str, ours: object, theirs: object) -> None:
        nonlocal differences
        if ours != theirs:
            differences += 1
            print(f"differs: {what}\n  ours   {ours!r}\n  python {theirs!r}")

    for number, case in enumerate(comparison["texts"]):
        text = case["text"]
        ids = raw.encode(text, add_special_tokens=False).ids
        check(f"ids of {text!r}", case["ids"], ids)
        check(f"text of {ids}", text, full.decode(ids, skip_special_tokens=True))
        if number < comparison["pinned"]:
            print(json.dumps([text, ids]))
    for case in comparison["conversations"]:
        options = {"add_generation_prompt": case["answer"]}
        text = full.apply_chat_template(case["messages"], tokenize=False, **options)
        check("rendered conversation", case["text"], text)
        ids = full(text, add_special_tokens=False)["input_ids"]
        check("ids of conversation", case["ids"], ids)
        print(json.dumps([text, ids]))
    check("end token", comparison["end"], full.eos_token_id)
    check("pad token", comparison["pad"], full.pad_token_id)
    check("vocabulary size", comparison["vocabularySize"], len(full))
    texts, conversations = len(comparison["texts"]), len(comparison["conversations"])
    print(f"{texts} texts, {conversations} conversations, {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: compare-tokenizer.py FOLDER")
    sys.exit(main(Path(sys.argv[1])))
