"""Compares log-probabilities of an exported model with those of Hugging Face transformers.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch transformers safetensors numpy
    EXPORT_REFERENCE=/tmp/reference npx vitest run src/engines/embedded/reference.test.ts
    /tmp/venv/bin/python scripts/compare-transformers.py /tmp/reference /tmp/reference/scores.json

The JSON holds {"temperature": t, "requests": [{"prompt": [...], "continuation": [...], "logprobs": [...]}]}.
Prints the largest absolute difference in nats, and exits with 1 when it exceeds 1e-4.
"""

import json
import sys

import torch
import transformers


def logprobs(model, prompt: list[int], continuation: list[int], temperature: float) -> list[float]:
    """log softmax(logits / temperature) of each token of the continuation."""
    with torch.no_grad():
        logits = model(torch.tensor([prompt + continuation])).logits[0]
    rows = torch.log_softmax(logits[len(prompt) - 1 : -1] / temperature, dim=-1)
    return rows[torch.arange(len(continuation)), torch.tensor(continuation)].tolist()


def main(folder: str, scores: str) -> int:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.eval()
    with open(scores) as file:
        given = json.load(file)
    largest = 0.0
    tokens = 0
    for request in given["requests"]:
        theirs = logprobs(model, request["prompt"], request["continuation"], given["temperature"])
        if "--print" in sys.argv:
            print(json.dumps([round(x, 5) for x in theirs]))
        for ours, other in zip(request["logprobs"], theirs, strict=True):
            largest = max(largest, abs(ours - other))
            tokens += 1
    versions = f"transformers {transformers.__version__}, torch {torch.__version__}"
    print(f"{type(model).__name__}: {tokens} tokens, largest difference {largest:.1e} ({versions})")
    return 0 if largest <= 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
