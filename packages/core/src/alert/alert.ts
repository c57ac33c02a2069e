export const alertSeverities = ['high', 'medium'] as const;
export type AlertSeverity = (typeof alertSeverities)[number];

/** Why an occurrence of an alert told nobody anything. The first four are page 6's; the others are an operator's word, and the parent's. */
export const suppressionReasons = ['DUPLICATE', 'DOMAIN_COOLDOWN', 'TENANT_RATE_LIMIT', 'DISABLED', 'SILENCED', 'PARENT_FIRING'] as const;
export type SuppressionReason = (typeof suppressionReasons)[number];

/** How many occurrences each reason kept quiet. Suppressions are counted, never kept one by one: a storm needs no more room than a breeze. */
export type Suppressed = Readonly<Partial<Record<SuppressionReason, number>>>;

/** Something is wrong, or no longer is. What a rule makes of an event. */
export type AlertSignal =
  | {
      readonly state: 'firing';
      readonly alert_key: string;
      readonly domain: string;
      readonly severity: AlertSeverity;
      readonly summary: string;
      /** A command that shows more. */
      readonly fix: string | null;
      /** While this alert fires, ours is quiet: it says the same, one step further from the cause. */
      readonly parent_key: string | null;
      readonly dataset_id: string | null;
      readonly run_id: string | null;
      readonly event_id: string | null;
      readonly at: string;
    }
  | { readonly state: 'resolved'; readonly alert_key: string; readonly why: string; readonly at: string };

export type Silence = { readonly until: string; readonly reason: string; readonly by: string };

/** What is known of an alert: one row a key, however often it fires. */
export type AlertBody = Omit<Extract<AlertSignal, { state: 'firing' }>, 'state' | 'alert_key' | 'at'> & {
  readonly state: 'firing' | 'resolved';
  /** Of this firing, which ends when it is resolved. */
  readonly first_at: string;
  readonly last_at: string;
  readonly occurrences: number;
  readonly resolved_at: string | null;
  readonly resolved_why: string | null;
  /** What the sinks in `owed` have yet to hear. */
  readonly notice: 'firing' | 'resolved' | null;
  readonly owed: readonly string[];
  /** Grows with each notice: with the key it names a message, for who receives it twice. */
  readonly notice_seq: number;
  /** Sinks that heard of this firing, and will hear of its end. */
  readonly told: readonly string[];
  /** When a sink last took a notice of it; nothing is marked before that. */
  readonly sent_at: string | null;
  /** Whether the notice was counted as sent: it is at its first success, however many sinks follow. */
  readonly counted: boolean;
  readonly attempts: number;
  readonly next_attempt_at: string | null;
  readonly last_error: string | null;
  /** Why nobody was told of this firing yet, though it goes on. It is asked again when that is over. */
  readonly held: SuppressionReason | null;
  readonly suppressed: Suppressed;
  readonly silence: Silence | null;
};

/** What is known of all alerts of a tenant together. */
export type TenantBody = {
  /** When notices were sent, in the last hour: at most as many as may be. Milliseconds. */
  readonly sent: readonly number[];
  /** When a domain last sent one. */
  readonly domains: Readonly<Record<string, number>>;
  /** Firings of keys there was no room for. */
  readonly overflow: number;
};

export type TenantAlerts = { readonly tenant: TenantBody; readonly alerts: ReadonlyMap<string, AlertBody> };

export const noAlerts: TenantAlerts = { tenant: { sent: [], domains: {}, overflow: 0 }, alerts: new Map() };

/** Of a tenant, told and untold: what a row each is kept of. Beyond, firings are counted. */
export const alertLimit = 1000;
