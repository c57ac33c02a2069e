/** The writes of API keys. Secrets are stored hashed; the plain one is shown once, to whoever asked for it. */
export type IdentityWrites = {
  'api-key.insert': {
    readonly key_id: string;
    readonly actor_id: string;
    readonly secret_hash: string;
    readonly grants: string;
    readonly created_at: string;
    readonly created_by: string;
    readonly expires_at: string | null;
  };
  'api-key.revoke': { readonly key_id: string; readonly revoked_at: string; readonly revoked_by: string };
};
