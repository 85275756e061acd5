#!/usr/bin/env python3
"""Makes tiny, randomly initialised models for testing against real training servers.

Two folders in Hugging Face layout are written, without any download:

* ``tiny-qwen3.5``: the Qwen 3.5 dense layout (three gated-delta-net layers to one
  full-attention layer, tied embeddings, a vision tower of one block so that the
  checkpoint has the key names of the published ones), with a byte-level BPE tokenizer;
* ``tiny-gemma4``: the text half of the Gemma 4 E4B layout (per-layer embeddings, key and
  value sharing, sliding and global layers with their own head sizes and rotary bases,
  capped logits), with a byte-fallback BPE tokenizer.

Both tokenizers are trained here on a small English text, and both chat templates follow
the structure of the published ones (roles, thinking, tool calls). The weights are random:
the models know nothing, but every server treats them as it treats the real ones, in a few
megabytes of memory.

The same seed and the same library versions give the same bytes::

    PYTHON reference/tiny-models.py --out models
    PYTHON reference/tiny-models.py --out models --family qwen3.5 --seed 7
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import sys
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from tiny_models.common import Family, fill_weights, write_json, write_weights  # noqa: E402
from tiny_models.gemma import GEMMA  # noqa: E402
from tiny_models.qwen import QWEN  # noqa: E402

FAMILIES = {family.name: family for family in (QWEN, GEMMA)}


def make(family: Family, folder: Path, seed: int, vocab_size: int, context: int, std: float) -> int:
    """Writes one model folder and returns how many parameters the model has."""
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = family.tokenizer(vocab_size)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(family.template(), encoding="utf-8")
    for name, value in family.files(tokenizer, context).items():
        write_json(folder / name, value)

    torch.manual_seed(seed)
    architecture = getattr(transformers, family.model)
    model = architecture(transformers.AutoConfig.from_pretrained(folder)).to(torch.float32)
    fill_weights(model, seed, std)
    return write_weights(model, folder / "model.safetensors")


def check(folder: Path) -> None:
    """Loads the folder as a server would, and fails where the parts do not fit together."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(folder)
    plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
    text = "It's your turn: take 3 stones.\n\n  Café 🎲 b2"
    ids = plain.encode(text, add_special_tokens=False).ids
    if loaded.encode(text, add_special_tokens=False) != ids:
        raise SystemExit(f"{folder}: AutoTokenizer and tokenizer.json disagree")
    if plain.decode(ids, skip_special_tokens=False) != text:
        raise SystemExit(f"{folder}: the tokenizer does not round-trip")
    messages = [
        {"role": "system", "content": "Play well."},
        {"role": "user", "content": "Your move?"},
        {"role": "assistant", "content": "move: b2"},
        {"role": "user", "content": "And now?"},
    ]
    rendered = loaded.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    prompt = plain.encode(rendered, add_special_tokens=False).ids

    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    if info["missing_keys"]:
        raise SystemExit(f"{folder}: missing weights {sorted(info['missing_keys'])[:5]}")
    with torch.no_grad():
        logits = model(torch.tensor([prompt]), use_cache=False).logits[0, -1].float()
    if not torch.isfinite(logits).all():
        raise SystemExit(f"{folder}: logits are not finite")
    probabilities = logits.log_softmax(-1)
    entropy = -(probabilities.exp() * probabilities).sum().item()
    print(
        f"  vocabulary {plain.get_vocab_size()}, prompt of {len(prompt)} tokens,"
        f" entropy {entropy:.3f} of {math.log(len(logits)):.3f} nats"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Makes tiny, randomly initialised Qwen 3.5 and Gemma 4 models.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="folder that receives one folder per model")
    parser.add_argument("--family", choices=[*FAMILIES, "all"], default="all", help="which models to make")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights")
    parser.add_argument("--vocab-size", type=int, default=768, help="tokens in each vocabulary, 512 to 1000")
    parser.add_argument("--context", type=int, default=4096, help="longest sequence of the models")
    parser.add_argument("--std", type=float, default=0.1, help="standard deviation of the weight matrices")
    parser.add_argument("--no-check", action="store_true", help="do not load the folders again to check them")
    args = parser.parse_args()
    if not 512 <= args.vocab_size <= 1000:
        parser.error("--vocab-size must be between 512 and 1000")
    if args.context < 2048:
        parser.error("--context must be at least 2048")

    for family in FAMILIES.values() if args.family == "all" else (FAMILIES[args.family],):
        folder = args.out / f"tiny-{family.name}"
        parameters = make(family, folder, args.seed, args.vocab_size, args.context, args.std)
        digest = hashlib.sha256()
        for path in sorted(folder.iterdir()):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
        print(f"{folder}: {parameters} parameters, sha256 {digest.hexdigest()[:16]}")
        if not args.no_check:
            check(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
