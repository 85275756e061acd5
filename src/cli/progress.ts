/** Progress on stderr: one rewritten line, and silence when stderr is not a terminal. */
export interface Progress {
  show(text: string): void;
  /** Prints a line that stays, also without a terminal. */
  note(text: string): void;
  done(): void;
}

export function createProgress(): Progress {
  const live = process.stderr.isTTY;
  let shown = false;
  const clear = (): void => {
    if (shown) process.stderr.write("\r\u001b[K");
    shown = false;
  };
  return {
    show(text) {
      if (!live) return;
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
