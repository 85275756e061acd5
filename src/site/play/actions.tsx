/**
 * The legal actions, to be chosen. While the other player thinks the buttons stay where they are and do nothing, so that the keyboard's focus
 * is not lost.
 */
import { useState } from "preact/hooks";
import type { Action } from "../../games/index.ts";
import { MOST_BUTTONS, type NumberChoice, numberChoice } from "./choices.ts";

interface Props {
  readonly legal: readonly Action[];
  readonly description: string;
  readonly disabled: boolean;
  readonly onChoose: (action: Action) => void;
}

export function Actions({ legal, description, disabled, onChoose }: Props) {
  const numbers = legal.length > MOST_BUTTONS ? numberChoice(legal, description) : undefined;
  if (numbers !== undefined) return <Numbers choice={numbers} disabled={disabled} onChoose={onChoose} />;
  return (
    <div class="actions" role="group" aria-label="Your action">
      {legal.map((action, i) => (
        <button
          key={i}
          type="button"
          class="action"
          aria-disabled={disabled}
          onClick={() => {
            if (!disabled) onChoose(action);
          }}
        >
          {action}
        </button>
      ))}
    </div>
  );
}

function Numbers({
  choice: { fields, write },
  disabled,
  onChoose,
}: {
  readonly choice: NumberChoice;
  readonly disabled: boolean;
  readonly onChoose: (action: Action) => void;
}) {
  const [chosen, setChosen] = useState(() => fields.map(({ least }) => least));
  const values = chosen.map((value, i) => Math.min(value, fields[i].most));
  return (
    <form
      class="numbers"
      onSubmit={(event) => {
        event.preventDefault();
        if (!disabled) onChoose(write(values));
      }}
    >
      {fields.map(({ label, least, most }, i) => {
        const change = (by: number) =>
          setChosen(values.map((value, j) => (j === i ? Math.min(most, Math.max(least, value + by)) : value)));
        return (
          <fieldset key={label}>
            <legend>
              {label} <span class="quiet">of {most}</span>
            </legend>
            <button type="button" aria-label={`less ${label}`} aria-disabled={values[i] === least} onClick={() => change(-1)}>
              {"\u2212"}
            </button>
            <output aria-label={label}>{values[i]}</output>
            <button type="button" aria-label={`more ${label}`} aria-disabled={values[i] === most} onClick={() => change(1)}>
              +
            </button>
          </fieldset>
        );
      })}
      <button type="submit" class="action" aria-disabled={disabled}>
        {write(values)}
      </button>
    </form>
  );
}
