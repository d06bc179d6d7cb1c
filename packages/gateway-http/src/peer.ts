import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { clientOf } from './client-address.ts';
import type { ClientCertificate, Peer } from './ports.ts';

const MAX_SUBJECT = 512;

/** A connection has one peer: reading its certificate anew for each request would cost more than the token. */
const known = new WeakMap<Socket, Peer>();

export function peerOf(socket: Socket): Peer {
  const before = known.get(socket);
  if (before !== undefined) return before;
  const peer = { address: clientOf(socket.remoteAddress), certificate: certificateOf(socket) };
  known.set(socket, peer);
  return peer;
}

/** Only what a trusted authority signed; the subject's text is the authority's, but is bounded all the same. */
function certificateOf(socket: Socket): ClientCertificate | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  const { subject, fingerprint256 } = socket.getPeerCertificate();
  if (fingerprint256 === undefined) return null;
  return {
    subject: Object.entries(subject)
      .map(([name, value]) => `${name}=${[value].flat().join('+')}`)
      .join(', ')
      .slice(0, MAX_SUBJECT),
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}
