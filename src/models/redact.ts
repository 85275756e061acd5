/** Secrets shorter than this are placeholders of local servers, and parts of ordinary words. */
const SHORTEST = 8;

/** Takes secrets out of a text, also in part: some servers quote the beginning or the end of a key. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const known = secrets.filter((secret) => secret.length >= SHORTEST);
  return (text) =>
    known.reduce((clean, secret) => {
      const whole = clean.replaceAll(secret, "[key]");
      const [head, tail] = [secret.slice(0, SHORTEST), secret.slice(-SHORTEST)];
      return whole.replaceAll(head, "[key]").replaceAll(tail, "[key]");
    }, text);
}
