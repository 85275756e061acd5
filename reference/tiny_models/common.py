"""What the families of tiny models share: their text, how weights are drawn, how files are written."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
# The text that the tokenizers are trained on.
CORPUS = (HERE / "corpus.txt").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Family:
    """A family of models: its name, its class in transformers, its tokenizer and the JSON files beside the weights."""

    name: str
    model: str
    tokenizer: Callable[[int], object]
    files: Callable[[object, int], dict[str, dict]]

    def template(self) -> str:
        """The chat template: the structure of the published one in words of our own."""
        return (HERE / "templates" / f"{self.name}.jinja").read_text(encoding="utf-8")


def fill_weights(model, seed: int, std: float) -> None:
    """Gives every matrix values that depend on the seed and on its name alone.

    Vectors (norms, biases) keep the values that the architecture starts from, apart from
    the decay rates of the linear-attention layers, which transformers draws at random.
    """
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            generator = torch.Generator().manual_seed(zlib.crc32(name.encode()) ^ (seed & 0xFFFFFFFF))
            if name.endswith("A_log"):
                rates = torch.rand(parameter.shape, generator=generator) * 15 + 1
                parameter.copy_(rates.log())
            elif parameter.dim() >= 2:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * std)


def write_weights(model, path: Path) -> int:
    """Writes one safetensors file, without the copy of tied embeddings; counts parameters."""
    from safetensors.torch import save_file

    tensors, seen = {}, set()
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() in seen and name.endswith("lm_head.weight"):
            continue
        seen.add(tensor.data_ptr())
        tensors[name] = tensor.detach().clone().contiguous()
    save_file(dict(sorted(tensors.items())), str(path), metadata={"format": "pt"})
    return sum(tensor.numel() for tensor in tensors.values())


# ---------------------------------------------------------------------------------------


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
