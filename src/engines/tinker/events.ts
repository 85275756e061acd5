/** What happens between the client and its server, for whoever watches a run. */
export type TinkerEvent =
  /** The server works on something else first; `seconds` is how long the operation has waited. */
  | {
      readonly kind: "queued";
      readonly operation: string;
      readonly state: string;
      readonly reason?: string;
      readonly seconds: number;
    }
  | {
      readonly kind: "retry";
      readonly operation: string;
      readonly attempt: number;
      readonly reason: string;
      readonly delay: number;
    }
  | { readonly kind: "resubmitted"; readonly operation: string; readonly reason: string }
  | { readonly kind: "message"; readonly text: string };

/** One line about an event. */
export function describeEvent(event: TinkerEvent): string {
  switch (event.kind) {
    case "queued": {
      const reason = event.reason === undefined ? "" : ` (${event.reason})`;
      return `${event.operation} waits, ${event.state}${reason}, ${event.seconds.toFixed(0)} s`;
    }
    case "retry":
      return `${event.operation}: ${event.reason}; attempt ${event.attempt + 1} in ${event.delay.toFixed(1)} s`;
    case "resubmitted":
      return `${event.operation} was sent again: ${event.reason}`;
    case "message":
      return event.text;
  }
}
