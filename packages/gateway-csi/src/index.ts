// Where a cluster's signing keys come from
export { type ClusterKeySource, openClusterKeys } from './cluster-keys.ts';
// What an operator says
export { type CsiSettings, parseCsiFile } from './csi-file.ts';
// Errors
export { CsiError, type CsiErrorCode } from './errors.ts';
// What it needs of others, and what it tells
export { mountsFromSecrets } from './mounts-from-secrets.ts';
export type { CsiEvent, MountReader, MountSecrets } from './ports.ts';
// The provider on its socket
export { type CsiProvider, type CsiProviderOptions, startCsiProvider } from './provider.ts';
// What service accounts may mount
export type { MountRule } from './rules.ts';
