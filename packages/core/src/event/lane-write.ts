export const laneNames = ['reactor', 'webhook'] as const;
export type LaneName = (typeof laneNames)[number];

/** An event that could not be handled or delivered, or waits behind one of its subject. */
export type ParkedEvent = {
  readonly lane: LaneName;
  readonly consumer: string;
  readonly position: number;
  readonly event_id: string;
  readonly event_type: string;
  readonly subject: string;
  readonly tenant_id: string;
  readonly dataset_id: string | null;
  readonly state: 'waiting' | 'dead';
  readonly attempts: number;
  readonly next_attempt_at: string | null;
  readonly parked_at: string;
  readonly last_error: string | null;
};

/** The writes of those who read the outbox. Lists are JSON text. */
export type LaneWrites = {
  /** A reader that is new begins at a position; one that is known keeps its own. */
  'lane.open': { readonly lane: LaneName; readonly consumer: string; readonly position: number; readonly at: string };
  /** Moves a reader on, if nobody else did. */
  'lane.move': {
    readonly lane: LaneName;
    readonly consumer: string;
    readonly expected: number;
    readonly position: number;
    readonly at: string;
  };
  'lane.beat': { readonly lane: LaneName; readonly consumer: string; readonly at: string };
  /** `rows`: ParkedEvent[], new ones and changed ones. */
  'lane.park': { readonly rows: string };
  /** `positions`: what was done after all. */
  'lane.unpark': { readonly lane: LaneName; readonly consumer: string; readonly positions: string };
  /** `events`: {event_id, consumer}[] that have an effect in this unit. One of them known already: the unit is refused. */
  'inbox.add': { readonly source: string; readonly events: string; readonly at: string };
};
