/** Progress on stderr: one rewritten line in a terminal, elsewhere (a log file) a line at most every half minute. */
export interface Progress {
  show(text: string): void;
  /** Prints a line that stays, also without a terminal. */
  note(text: string): void;
  done(): void;
}

const LOG_INTERVAL = 30_000;

export function createProgress(): Progress {
  const live = process.stderr.isTTY;
  let last = performance.now();
  let shown = false;
  const clear = (): void => {
    if (shown) process.stderr.write("\r\u001b[K");
    shown = false;
  };
  return {
    show(text) {
      if (!live) {
        if (performance.now() - last < LOG_INTERVAL) return;
        last = performance.now();
        process.stderr.write(`${text}\n`);
        return;
      }
      process.stderr.write(`\r\u001b[K${text.slice(0, (process.stderr.columns || 80) - 1)}`);
      shown = true;
    },
    note(text) {
      clear();
      process.stderr.write(`${text}\n`);
    },
    done: clear,
  };
}
