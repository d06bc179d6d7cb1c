import { type Envelope, type JsonValue, parseEnvelope } from '@provability-fabric/kernel';
import { hash, hashes, index, list, members } from './export-members.ts';
import type { HeadPath } from './head-path.ts';

/** A head in an evidence file: that its sessions end where they do, and are not cut off. */
export interface EvidenceHead {
  readonly envelope: Envelope;
  /**
   * One for each session of the file with an entry below the head's `log_size`, in the order of their first entries.
   * What such a session has from that index on is newer than the head.
   */
  readonly paths: readonly HeadPath[];
}

export function parseEvidenceHead(value: JsonValue): EvidenceHead {
  const head = members(value, ['envelope', 'paths'], 'the head');
  return {
    envelope: parseEnvelope(head.envelope as JsonValue),
    paths: list(head.paths, 'the paths of the head').map((item, position) => {
      const where = `path ${position} of the head`;
      const path = members(item, ['index', 'size', 'in_bucket', 'bucket', 'to_root'], where);
      return {
        index: index(path.index, `${where} to have an index`),
        size: index(path.size, `${where} to have a size`),
        in_bucket: hashes(path.in_bucket, where, `a hash of ${where}`),
        bucket: hash(path.bucket, `the bucket of ${where}`),
        to_root: hashes(path.to_root, where, `a hash of ${where}`),
      };
    }),
  };
}
