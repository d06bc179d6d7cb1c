/** Where those who follow bundles listen. Whatever the payload, whoever hears it looks for itself. */
export const CHANNEL = 'pf_bundles';
/** Sent in the transaction of the change, so it arrives once there is something to see. */
export const CHANGED = `select pg_notify('${CHANNEL}', 'changed')`;
/** A bundle may be some megabytes. */
export const TIMEOUT_MS = 10_000;
