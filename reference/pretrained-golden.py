"""Makes the tiny random models that the embedded engine's tests read, with log-probabilities that transformers gives for them.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch transformers peft safetensors
    /tmp/venv/bin/python scripts/pretrained-golden.py src/engines/embedded/golden

* ``llama``: bfloat16 in three files with an index, an output layer of its own;
* ``qwen3``: float16 in one file, which also holds the tied embedding as ``lm_head.weight``;
* ``llama-adapter``: LoRA of some of the first model's projections, by PEFT.

Beside each model, ``scores.json`` has the log-probabilities of the continuations of a few prompts, computed in float32.
"""

import json
import pathlib
import shutil
import sys

import peft
import torch
import transformers
from safetensors.torch import load_file, save_file

transformers.utils.logging.disable_progress_bar()

SIZES = dict(
    vocab_size=48,
    hidden_size=32,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    initializer_range=0.25,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=None,
)
MODELS = {
    "llama": transformers.LlamaConfig(**SIZES, rope_theta=100_000.0, rms_norm_eps=1e-5, tie_word_embeddings=False),
    "qwen3": transformers.Qwen3Config(
        **SIZES, head_dim=16, rope_theta=1_000_000.0, rms_norm_eps=1e-6, tie_word_embeddings=True
    ),
}
TYPES = {"llama": torch.bfloat16, "qwen3": torch.float16}
LENGTHS = [(1, 4), (17, 5), (40, 6), (60, 3)]
TEMPERATURE = 0.8


def make(name, folder):
    torch.manual_seed(7)
    model = transformers.AutoModelForCausalLM.from_config(MODELS[name], dtype=torch.float32)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 1:
                weight.add_(0.3 * torch.randn_like(weight))  # norms are ones otherwise, whatever is done with them
    model = model.to(TYPES[name])
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, max_shard_size="14KB" if name == "llama" else "1GB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    if name == "qwen3":
        weights = load_file(folder / "model.safetensors")
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def adapt(base, folder):
    torch.manual_seed(8)
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = peft.get_peft_model(model, peft.LoraConfig(r=3, lora_alpha=5, target_modules=["q_proj", "v_proj", "o_proj", "down_proj"]))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.2)  # zeros otherwise
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "README.md").unlink()


def load(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def score(model):
    generator = torch.Generator().manual_seed(3)
    requests = []
    for prompt_length, length in LENGTHS:
        tokens = torch.randint(0, SIZES["vocab_size"], (prompt_length + length,), generator=generator)
        with torch.no_grad():
            logits = model(tokens[None]).logits[0, prompt_length - 1 : -1]
        rows = torch.log_softmax(logits / TEMPERATURE, dim=-1)
        logprobs = rows[torch.arange(length), tokens[prompt_length:]]
        requests.append(
            {
                "prompt": tokens[:prompt_length].tolist(),
                "continuation": tokens[prompt_length:].tolist(),
                "logprobs": [round(x, 6) for x in logprobs.tolist()],
            }
        )
    made_with = f"{type(model).__name__}, peft {peft.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"
    return {"madeWith": made_with, "temperature": TEMPERATURE, "requests": requests}


def finish(folder, model):
    (folder / "scores.json").write_text(json.dumps(score(model)) + "\n")
    for path in folder.iterdir():
        path.chmod(0o644)


def main(root):
    root = pathlib.Path(root)
    for name in MODELS:
        make(name, root / name)
        finish(root / name, load(root / name))
    adapt(root / "llama", root / "llama-adapter")
    finish(root / "llama-adapter", peft.PeftModel.from_pretrained(load(root / "llama"), root / "llama-adapter").eval())


if __name__ == "__main__":
    main(*sys.argv[1:])
