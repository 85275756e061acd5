"""Compares the embedded engine's models with Hugging Face transformers, in both directions; driven by reference/interoperate.mjs.

    npm run build && node reference/interoperate.mjs PYTHON

    PYTHON reference/compare-transformers.py check FOLDER SCORES   compare log-probabilities with those that transformers gives for FOLDER
    PYTHON reference/compare-transformers.py make FOLDER           write a random model of transformers' making into FOLDER

SCORES is JSON: {"temperature": t, "requests": [{"prompt": [...], "continuation": [...], "logprobs": [...]}]}. `check` prints the largest
absolute difference in nats, and with --print transformers' numbers too, and exits with 1 when it exceeds 1e-4.
"""

import json
import sys

import torch
import transformers

transformers.utils.logging.disable_progress_bar()


def logprobs(model, prompt: list[int], continuation: list[int], temperature: float) -> list[float]:
    """log softmax(logits / temperature) of each token of the continuation."""
    with torch.no_grad():
        logits = model(torch.tensor([prompt + continuation])).logits[0]
    rows = torch.log_softmax(logits[len(prompt) - 1 : -1] / temperature, dim=-1)
    return rows[torch.arange(len(continuation)), torch.tensor(continuation)].tolist()


def check(folder: str, scores: str) -> int:
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
    prompts = len(given["requests"])
    print(f"{type(model).__name__}: {prompts} prompts, {tokens} tokens, largest difference {largest:.1e} nats ({versions})")
    return 0 if largest <= 1e-4 else 1


def make(folder: str) -> int:
    torch.manual_seed(0)
    config = transformers.Qwen3Config(
        vocab_size=500,
        hidden_size=96,
        intermediate_size=200,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=512,
        rope_theta=50_000,
        tie_word_embeddings=True,
        initializer_range=0.2,
        dtype="float32",
    )
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                weight.add_(0.3 * torch.randn_like(weight))  # norms are ones otherwise, whatever is done with them
    model.save_pretrained(folder)
    return 0


if __name__ == "__main__":
    sys.exit({"check": check, "make": make}[sys.argv[1]](*[x for x in sys.argv[2:] if not x.startswith("--")]))
