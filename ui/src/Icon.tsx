// Drawn here, so that they look the same on every machine and need no font.

import type { ReactNode } from "react";

const SHAPES = {
  heart: <path d="M8 13.6 2.9 8.5a3.1 3.1 0 0 1 0-4.5 3.2 3.2 0 0 1 4.5 0l.6.6.6-.6a3.2 3.2 0 0 1 4.5 0 3.1 3.1 0 0 1 0 4.5z" fill="currentColor" stroke="none" />,
  half: (
    <>
      <circle cx="8" cy="8" r="5.6" />
      <path d="M8 2.4a5.6 5.6 0 0 1 0 11.2z" fill="currentColor" stroke="none" />
    </>
  ),
  broken: (
    <>
      <path d="M8 13.6 2.9 8.5a3.1 3.1 0 0 1 0-4.5 3.2 3.2 0 0 1 4.5 0l.6.6.6-.6a3.2 3.2 0 0 1 4.5 0 3.1 3.1 0 0 1 0 4.5z" fill="currentColor" stroke="none" />
      <path d="M8.6 3.8 6.9 6.9l2.4 1.5-1.6 3.4" stroke="var(--panel)" strokeWidth="1.6" />
    </>
  ),
  pause: <path d="M5.6 3.5v9M10.4 3.5v9" strokeWidth="2.4" />,
  dashed: <circle cx="8" cy="8" r="5.6" strokeDasharray="2.6 2.2" />,
  question: (
    <>
      <circle cx="8" cy="8" r="5.9" />
      <path d="M6.3 6.4a1.7 1.7 0 1 1 2.5 1.5c-.5.3-.8.6-.8 1.2M8 11.4v.1" />
    </>
  ),
  check: (
    <>
      <circle cx="8" cy="8" r="5.9" />
      <path d="m5.4 8.2 1.8 1.8 3.5-3.8" />
    </>
  ),
  arrows: <path d="M5.2 13V3.2M2.6 5.8l2.6-2.6 2.6 2.6M10.8 3v9.8M8.2 10.2l2.6 2.6 2.6-2.6" />,
  pencil: <path d="m3 13 .7-2.9 7-7a1.5 1.5 0 0 1 2.2 2.2l-7 7zM9.4 4.4l2.2 2.2" />,
  warning: <path d="M8 2.6 14 13H2zM8 6.6v3M8 11.4v.1" />,
  dot: <circle cx="8" cy="8" r="2.6" fill="currentColor" stroke="none" />,
  theme: (
    <>
      <circle cx="8" cy="8" r="5.9" />
      <path d="M8 2.1a5.9 5.9 0 0 0 0 11.8z" fill="currentColor" stroke="none" />
    </>
  ),
  carabiner: (
    <>
      <path d="M10.9 6.4V5a3.2 3.2 0 0 0-6.2-1L3.2 10a3 3 0 0 0 2.9 3.8h1.7a3.1 3.1 0 0 0 3.1-3.1v-.3" strokeWidth="1.9" />
      <path d="m10.9 6.4 1.5 3.5" strokeWidth="1.5" />
    </>
  ),
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof SHAPES;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[name]}
    </svg>
  );
}
