/** Where authorities listen. Whatever the payload, whoever hears it looks for itself. */
export const CHANNEL = 'pf_authority';
/** Sent in the transaction of the change, so it arrives once there is something to see. */
export const CHANGED = `select pg_notify('${CHANNEL}', 'changed')`;
export const TIMEOUT_MS = 5_000;
