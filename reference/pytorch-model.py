"""The embedded engine's model in PyTorch, and the work that bench/pytorch.ts times; driven by that program over standard input.

    PYTHON reference/pytorch-model.py FOLDER THREADS

FOLDER holds a model saved by the engine (config.json, model.safetensors) and batch.json. Each line of input names one piece of work;
each line of output is its JSON answer:

    check LOSS        loss, and the gradient written to FOLDER/gradient.f32 in the order of the file's parameters
    step LOSS MODE    seconds of one training step: loss, gradient, clipping, fused AdamW; MODE is eager or compile
    decode MODE       seconds to sample; MODE is shared (prefix computed once), plain (every prompt in full), or groups (a few of the
                      prompts, each computed once and continued many times)
    matmul N          floating-point operations per second of an N x N product
    memory            peak resident bytes of this process
"""

import json
import resource
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file


class Model:
    """Qwen3: grouped-query attention with normed queries and keys, SwiGLU, tied embeddings. Plain tensors, no modules."""

    def __init__(self, folder: Path):
        self.config = json.loads((folder / "config.json").read_text())
        self.weights = {name: x.requires_grad_() for name, x in load_file(folder / "model.safetensors").items()}
        self.layers = self.config["num_hidden_layers"]
        self.heads = self.config["num_attention_heads"]
        self.groups = self.config["num_key_value_heads"]
        self.head_width = self.config["head_dim"]
        self.epsilon = self.config["rms_norm_eps"]

    def norm(self, x, name):
        return F.rms_norm(x, (x.shape[-1],), self.weights[name + ".weight"], self.epsilon)

    def linear(self, x, name):
        return F.linear(x, self.weights[name + ".weight"])

    def angles(self, positions):
        theta = self.config.get("rope_theta") or self.config["rope_parameters"]["rope_theta"]
        rates = theta ** (-torch.arange(0, self.head_width, 2, dtype=torch.float32) / self.head_width)
        angle = positions[..., None].float() * rates
        return torch.cat([angle, angle], -1).cos(), torch.cat([angle, angle], -1).sin()

    def run(self, tokens, positions, attend):
        """Hidden states [rows, length, width]; `attend(layer, q, k, v)` gives [rows, heads, length, head_width]."""
        rows, length = tokens.shape
        cos, sin = self.angles(positions)
        if cos.dim() == 3:
            cos, sin = cos[:, None], sin[:, None]

        def turn(x):
            half = x.shape[-1] // 2
            return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin

        x = F.embedding(tokens, self.weights["model.embed_tokens.weight"])
        for i in range(self.layers):
            at = f"model.layers.{i}."
            h = self.norm(x, at + "input_layernorm")
            split = lambda y: y.view(rows, length, -1, self.head_width)
            q = turn(self.norm(split(self.linear(h, at + "self_attn.q_proj")), at + "self_attn.q_norm").transpose(1, 2))
            k = turn(self.norm(split(self.linear(h, at + "self_attn.k_proj")), at + "self_attn.k_norm").transpose(1, 2))
            v = split(self.linear(h, at + "self_attn.v_proj")).transpose(1, 2)
            o = attend(i, q, k, v).transpose(1, 2).reshape(rows, length, -1)
            x = x + self.linear(o, at + "self_attn.o_proj")
            h = self.norm(x, at + "post_attention_layernorm")
            gated = F.silu(self.linear(h, at + "mlp.gate_proj")) * self.linear(h, at + "mlp.up_proj")
            x = x + self.linear(gated, at + "mlp.down_proj")
        return self.norm(x, "model.norm")

    def logits(self, hidden):
        return F.linear(hidden, self.weights["model.embed_tokens.weight"])

    def attend(self, q, k, v, **options):
        return F.scaled_dot_product_attention(q, k, v, enable_gqa=self.heads != self.groups, **options)


def training(model: Model, batch):
    """Losses by name: the sum over completion tokens, whose logits alone are computed."""
    tokens = torch.tensor(batch["tokens"])
    first, count = batch["first"], batch["count"]
    targets = tokens[:, first + 1 : first + 1 + count]
    weights, old, advantages = (torch.tensor(batch[name]) for name in ("weights", "logprobs", "advantages"))
    positions = torch.arange(tokens.shape[1] - 1)
    inputs = tokens[:, :-1].contiguous()

    def logprobs():
        hidden = model.run(inputs, positions, lambda i, q, k, v: model.attend(q, k, v, is_causal=True))
        logits = model.logits(hidden[:, first : first + count])
        return -F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape)

    def cross_entropy():
        return -(logprobs() * weights).sum()

    def ppo():
        ratio = (logprobs() - old).exp()
        clipped = ratio.clamp(1 - batch["clip"], 1 + batch["clip"])
        return -torch.minimum(ratio * advantages, clipped * advantages).sum()

    return {"cross_entropy": cross_entropy, "ppo": ppo}


class Decoding:
    """Samples `new` tokens after each prompt, with a cache of keys and values."""

    def __init__(self, model: Model, given):
        self.model = model
        self.prefix = torch.tensor([given["prefix"]])
        self.suffixes = torch.tensor(given["suffixes"])
        self.new = given["new"]
        self.group = given["group"]

    def cache(self, rows, size):
        shape = (rows, self.model.groups, size, self.model.head_width)
        return [(torch.zeros(shape), torch.zeros(shape)) for _ in range(self.model.layers)]

    @torch.inference_mode()
    def plain(self):
        rows, own = self.suffixes.shape
        start = self.prefix.shape[1] + own
        cache = self.cache(rows, start + self.new)
        tokens = torch.cat([self.prefix.expand(rows, -1), self.suffixes], 1)

        def fill(i, q, k, v):
            cache[i][0][:, :, :start], cache[i][1][:, :, :start] = k, v
            return self.model.attend(q, k, v, is_causal=True)

        hidden = self.model.run(tokens, torch.arange(start), fill)[:, -1]
        return self.continue_from(hidden, start, cache)

    @torch.inference_mode()
    def shared(self):
        model = self.model
        rows, own = self.suffixes.shape
        offset = self.prefix.shape[1]
        start = offset + own
        cache = self.cache(rows, start + self.new)

        def fill(i, q, k, v):
            cache[i][0][:, :, :offset], cache[i][1][:, :, :offset] = k, v
            return model.attend(q, k, v, is_causal=True)

        model.run(self.prefix, torch.arange(offset), fill)
        mask = torch.ones(own, start, dtype=torch.bool).tril(offset)

        def follow(i, q, k, v):
            cache[i][0][:, :, offset:start], cache[i][1][:, :, offset:start] = k, v
            return model.attend(q, cache[i][0][:, :, :start], cache[i][1][:, :, :start], attn_mask=mask)

        hidden = model.run(self.suffixes, torch.arange(offset, start), follow)[:, -1]
        return self.continue_from(hidden, start, cache)

    @torch.inference_mode()
    def groups(self):
        rows, own = self.suffixes.shape
        start = self.prefix.shape[1] + own
        distinct = rows // self.group
        cache = self.cache(rows, start + self.new)
        tokens = torch.cat([self.prefix.expand(distinct, -1), self.suffixes[:distinct]], 1)

        def fill(i, q, k, v):
            for kept, fresh in zip(cache[i], (k, v)):
                kept[:, :, :start] = fresh.repeat_interleave(self.group, 0)
            return self.model.attend(q, k, v, is_causal=True)

        hidden = self.model.run(tokens, torch.arange(start), fill)[:, -1]
        return self.continue_from(hidden.repeat_interleave(self.group, 0), start, cache)

    def continue_from(self, hidden, start, cache):
        tokens = []
        for t in range(self.new):
            probabilities = torch.softmax(self.model.logits(hidden), -1)
            tokens.append(torch.multinomial(probabilities, 1))
            if t == self.new - 1:
                break
            at = start + t

            def one(i, q, k, v):
                cache[i][0][:, :, at], cache[i][1][:, :, at] = k[:, :, 0], v[:, :, 0]
                return self.model.attend(q, cache[i][0][:, :, : at + 1], cache[i][1][:, :, : at + 1])

            hidden = self.model.run(tokens[-1], torch.tensor([at]), one)[:, 0]
        return torch.cat(tokens, 1)


def main(folder: Path, threads: int) -> None:
    torch.set_num_threads(threads)
    model = Model(folder)
    given = json.loads((folder / "batch.json").read_text())
    losses = training(model, given["training"])
    decoding = Decoding(model, given["decoding"])
    parameters = list(model.weights.values())
    optimizer = torch.optim.AdamW(parameters, lr=1e-5, betas=(0.9, 0.95), weight_decay=0.01, fused=True)
    compiled = {}

    def step(name, mode):
        if mode == "compile" and name not in compiled:
            compiled[name] = torch.compile(losses[name])
        loss = losses[name] if mode == "eager" else compiled[name]
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    def check(name):
        optimizer.zero_grad(set_to_none=True)
        loss = losses[name]()
        loss.backward()
        flat = {key: x.grad.flatten().tolist() for key, x in model.weights.items()}
        (folder / "gradient.json").write_text(json.dumps(flat))
        return loss.item()

    def matmul(size):
        a, b = torch.randn(size, size), torch.randn(size, size)
        seconds = min(timed(lambda: a @ b) for _ in range(20))
        return 2 * size**3 / seconds

    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        kind, *arguments = line.split()
        if kind == "check":
            answer = check(*arguments)
        elif kind == "step":
            answer = timed(lambda: step(*arguments))
        elif kind == "decode":
            answer = timed(getattr(decoding, arguments[0]))
        elif kind == "matmul":
            answer = matmul(int(arguments[0]))
        else:
            answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(answer), flush=True)


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
