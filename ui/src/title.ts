import { useEffect } from "react";

/** The tab's title: what is open first, so that many tabs can be told apart. */
export function useTitle(what: string): void {
  useEffect(() => {
    document.title = what === "" ? "Belay" : `${what} · Belay`;
  }, [what]);
}
