/**
 * Remembers values by text. Once the remembered texts have `limit` characters together everything is forgotten, which costs less
 * than keeping an order of use: recurring texts are back at once. A longer text is never remembered.
 */
export function boundedCache<T>(limit: number): (text: string, make: (text: string) => T) => T {
  const values = new Map<string, T>();
  let characters = 0;
  return (text, make) => {
    const known = values.get(text);
    if (known !== undefined) return known;
    const value = make(text);
    if (text.length > limit) return value;
    characters += text.length;
    if (characters > limit) {
      values.clear();
      characters = text.length;
    }
    values.set(text, value);
    return value;
  };
}
