import { useState } from "react";
import { Link, Route, Switch } from "wouter";
import { Application } from "./Application";
import { Applications } from "./Applications";
import { token } from "./api";
import { Icon } from "./Icon";
import { useKeys } from "./keyboard";
import { useLive } from "./live";
import { Resource } from "./Resource";
import { applyTheme, nextTheme, storedTheme } from "./theme";

applyTheme(storedTheme());

/** What all screens have around them. */
export function Shell() {
  const connected = useLive();
  const [theme, setTheme] = useState(storedTheme);
  const [help, setHelp] = useState(false);
  useKeys({ "?": () => setHelp(true) });
  const changeTheme = () => {
    applyTheme(nextTheme(theme));
    setTheme(nextTheme(theme));
  };
  return (
    <>
      <header className="top">
        <Link href="/" className="brand">
          <Icon name="carabiner" /> Belay
        </Link>
        <span className={connected ? "live on" : "live"} role="status">
          <Icon name={connected ? "dot" : "half"} /> {connected ? "live" : "reconnecting"}
        </span>
        <span className="grow" />
        {token() === "" && (
          <span className="faint readonly" title="Open the address that Belay printed when it started; it carries the token.">
            read only
          </span>
        )}
        <button type="button" onClick={changeTheme} title="theme: system, dark, light" aria-label={`theme: ${theme}`}>
          <Icon name="theme" /> <span className="wide">{theme}</span>
        </button>
        <button type="button" onClick={() => setHelp(true)} aria-label="keyboard shortcuts">
          ?
        </button>
      </header>
      <main>
        <Switch>
          <Route path="/apps/:kind/:namespace/:name/resource">{(at) => <Resource at={at} />}</Route>
          <Route path="/apps/:kind/:namespace/:name">{(at) => <Application at={at} />}</Route>
          <Route path="/" component={Applications} />
          <Route>
            <p className="notice">
              There is no such page. <Link href="/">All applications</Link>
            </p>
          </Route>
        </Switch>
      </main>
      {help && <Shortcuts close={() => setHelp(false)} />}
    </>
  );
}

const SHORTCUTS = [
  ["/", "search"],
  ["j, k", "next, previous row"],
  ["Enter", "open"],
  ["u", "up"],
  ["1 … 6", "tab"],
  ["s", "sync"],
  ["r", "refresh"],
  ["?", "this list"],
  ["Esc", "close"],
] as const;

function Shortcuts({ close }: { close: () => void }) {
  return (
    <dialog ref={(dialog) => { if (dialog && !dialog.open) dialog.showModal(); }} onClose={close}>
      <h2>Keyboard</h2>
      <dl className="keys">
        {SHORTCUTS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
