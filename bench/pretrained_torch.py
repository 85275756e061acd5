"""The work of pretrained.ts in PyTorch and PEFT: python bench/pretrained_torch.py FOLDER PART...

Parts: prefill, single, decode:BATCH, lora:EXAMPLES, full:EXAMPLES. THREADS (2), REPEATS (3), RANK (16) in the environment. The prompts
share nothing here: a plain loop computes every prompt, and generates with a cache.
"""

import os
import resource
import statistics
import sys
import time

import torch
from transformers import AutoModelForCausalLM, DynamicCache

THREADS, REPEATS, RANK = (int(os.environ.get(name, value)) for name, value in (("THREADS", 2), ("REPEATS", 3), ("RANK", 16)))
PROMPT, COMPLETION, NEW = 200, 12, 16
torch.set_num_threads(THREADS)
folder, *parts = sys.argv[1:]
generator = torch.Generator().manual_seed(1)


def timed(name, tokens, work):
    times = []
    for run in range(REPEATS + 1):
        if run == 1:
            processor = time.process_time()
        start = time.time()
        work()
        times.append(time.time() - start)
    cpu = (time.process_time() - processor) / REPEATS
    middle = statistics.median(times[1:])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    every = " ".join(f"{x:.2f}" for x in times[1:])
    print(f"{name:32} {middle:.2f} s [{every}], processor {cpu:.2f} s, first {times[0]:.1f} s, {tokens / middle:.0f} tokens/s, peak {peak} MB", flush=True)
    return middle


def prompts(model, count, length):
    return torch.randint(100, model.config.vocab_size, (count, length), generator=generator)


@torch.no_grad()
def sample(model, x, new):
    cache = DynamicCache()
    for _ in range(new):
        hidden = model.model(x, past_key_values=cache, use_cache=True).last_hidden_state[:, -1]
        x = torch.multinomial((hidden @ model.lm_head.weight.T).softmax(-1), 1)


def decode(model, batch):
    x = prompts(model, batch, PROMPT)
    one, many = (timed(f"sample {batch} x {new}", batch * new, lambda: sample(model, x, new)) for new in (1, 1 + NEW))
    print(f"decode at batch {batch}: {batch * NEW / (many - one):.1f} tokens/s")


def train(model, count, inner):
    x = prompts(inner, count, PROMPT + COMPLETION)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)

    def step():
        hidden = inner.model(x[:, :-1], use_cache=False).last_hidden_state[:, -COMPLETION:]
        logits = (hidden @ inner.lm_head.weight.T).flatten(0, 1)
        torch.nn.functional.cross_entropy(logits, x[:, -COMPLETION:].flatten()).backward()
        optimizer.step()
        optimizer.zero_grad()

    timed(f"step of {count} x {PROMPT + COMPLETION}", count * (PROMPT + COMPLETION), step)


for part in parts:
    name, _, size = part.partition(":")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    if name == "prefill":
        x = prompts(model, 16, PROMPT)
        with torch.no_grad():
            timed(f"prefill 16 x {PROMPT}", 16 * PROMPT, lambda: model.model(x, use_cache=False).last_hidden_state[:, -1] @ model.lm_head.weight.T)
    elif name in ("single", "decode"):
        decode(model, int(size or 1))
    elif name == "full":
        train(model, int(size), model)
    elif name == "lora":
        from peft import LoraConfig, get_peft_model

        targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
        train(get_peft_model(model, LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=targets)), int(size), model)
    else:
        sys.exit(f"unknown part {part}")
