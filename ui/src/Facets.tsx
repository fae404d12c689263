import type { Health, Sync } from "./api";
import { HEALTH, SYNC, type Tone } from "./badges";
import { FACETS, type Facet, type Filters, toggle } from "./filters";
import { Icon, type IconName } from "./Icon";

type Counts = Partial<Record<string, Record<string, number>>>;
interface Props {
  filters: Filters;
  set: (filters: Filters) => void;
  facets: Counts;
}

/** How many are how; a click shows only those. */
export function States({ filters, set, facets }: Props) {
  const of = (facet: "health" | "sync", value: string) => ({
    count: facets[facet]?.[value] ?? 0,
    on: filters.facets[facet].includes(value),
    click: () => set({ ...filters, facets: { ...filters.facets, [facet]: toggle(filters.facets[facet], value) } }),
  });
  const only = (state: string) => ({
    count: facets.only?.[state] ?? 0,
    on: filters.only.includes(state),
    click: () => set({ ...filters, only: toggle(filters.only, state) }),
  });
  return (
    <div className="states" role="group" aria-label="states">
      {(Object.keys(HEALTH) as Health[]).map((health) => (
        <State key={health} icon={HEALTH[health][0]} tone={HEALTH[health][1]} word={health} {...of("health", health)} always={health === "Healthy"} />
      ))}
      <span className="between" />
      {(Object.keys(SYNC) as Sync[]).map((sync) => (
        <State key={sync} icon={SYNC[sync][0]} tone={SYNC[sync][2]} word={sync === "Unknown" ? "Sync unknown" : SYNC[sync][1]} {...of("sync", sync)} always={sync === "Synced"} />
      ))}
      <span className="between" />
      <State icon="pencil" tone="warn" word="drifted" {...only("drifted")} always />
      <State icon="pause" tone="calm" word="suspended" {...only("suspended")} />
      <State icon="half" tone="busy" word="running" {...only("running")} />
    </div>
  );
}

function State(props: { icon: IconName; tone: Tone; word: string; count: number; on: boolean; click: () => void; always?: boolean }) {
  if (props.count === 0 && !props.on && !props.always) return null;
  return (
    <button type="button" className={`state ${props.count > 0 ? props.tone : "calm"}`} aria-pressed={props.on} onClick={props.click}>
      <Icon name={props.icon} /> <b>{props.count}</b> {props.word}
    </button>
  );
}

/** The filters that have many values; the states have buttons of their own. */
export function Facets({ filters, set, facets }: Props) {
  const change = (facet: Facet, value: string) =>
    set({ ...filters, facets: { ...filters.facets, [facet]: toggle(filters.facets[facet], value) } });
  return (
    <div className="facets">
      {FACETS.filter((facet) => facet !== "health" && facet !== "sync").map((facet) => {
        const counts = facets[facet] ?? {};
        const chosen = filters.facets[facet];
        const values = [...new Set([...Object.keys(counts), ...chosen])].sort();
        if (values.length < 2 && chosen.length === 0) return null;
        return (
          <details key={facet} className="facet" onBlur={closeOutside}>
            <summary className={chosen.length > 0 ? "set" : ""}>
              {facet}
              {chosen.length > 0 && `: ${chosen.join(", ")}`}
            </summary>
            <div className="choices">
              {values.map((value) => (
                <label key={value}>
                  <input type="checkbox" checked={chosen.includes(value)} onChange={() => change(facet, value)} /> {value}{" "}
                  <span className="number">{counts[value] ?? 0}</span>
                </label>
              ))}
            </div>
          </details>
        );
      })}
    </div>
  );
}

/** A menu closes when the focus goes elsewhere; a click on one of its labels is not elsewhere. */
function closeOutside(event: React.FocusEvent<HTMLDetailsElement>): void {
  const next = event.relatedTarget as Node | null;
  if (next && !event.currentTarget.contains(next)) event.currentTarget.open = false;
}
