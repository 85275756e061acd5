/** Where a reader is, in the address after `#`: a link to what they see, which the browser's back button knows too. */
import { useCallback, useEffect, useState } from "preact/hooks";

export type Place = Readonly<Record<string, string>>;

export const placeOf = (hash: string): Place => Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));

/** The address of a place; empty values are left out. */
export const addressOf = (place: Place): string =>
  `#${new URLSearchParams(Object.entries(place).filter(([, value]) => value !== ""))}`;

/** The place now, and a function that changes parts of it: a step in the history when `push` is set, else in its stead. */
export function usePlace(): readonly [Place, (change: Place, options?: { readonly push?: boolean }) => void] {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const read = () => setPlace(placeOf(location.hash));
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }, []);
  const change = useCallback((part: Place, { push = false } = {}) => {
    const next = { ...placeOf(location.hash), ...part };
    // A page opened from a file may keep its address but not write a history of others.
    if (push) location.hash = addressOf(next);
    else location.replace(addressOf(next));
    setPlace(next);
  }, []);
  return [place, change];
}
