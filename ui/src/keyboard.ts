import { useEffect } from "react";

/** Keys of a screen. Typing in a field is left alone, but for Escape. */
export function useKeys(keys: Record<string, (event: KeyboardEvent) => void>): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement | null;
      const typing = target?.matches("input, select, textarea") ?? false;
      const onControl = event.key === "Enter" && (target?.matches("a, button, summary") ?? false);
      if ((typing && event.key !== "Escape") || onControl || document.querySelector("dialog[open]")) return;
      keys[event.key]?.(event);
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  });
}
