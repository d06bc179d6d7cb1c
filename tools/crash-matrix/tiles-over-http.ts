import { nodeCrypto } from '@provability-fabric/evidence';
import { AppendTree, equalBytes, fromBase64, TILE_WIDTH, tilePath } from '@provability-fabric/kernel';
import { HttpClient } from './http-client.ts';
import { messageOf } from './shown-checkpoints.ts';

const crypto = nodeCrypto();
const HASH = 32;

/** The ledger as a monitor reads it: the leaves of its tiles lead to the root of its checkpoint. */
export async function ledgerOverHttp(url: string, entries: { readonly length: number }): Promise<string[]> {
  const client = new HttpClient();
  try {
    if (entries.length === 0) return [];
    const checkpoint = await client.get(`${url}/checkpoint`);
    if (checkpoint.status !== 200) return [`ledger over HTTP: no checkpoint, ${checkpoint.status}`];
    const [, lines = '', root = ''] = checkpoint.text.split('\n');
    const size = Number(lines);
    const tree = new AppendTree(crypto);
    for (let first = 0; first < size; first += TILE_WIDTH) {
      const width = Math.min(TILE_WIDTH, size - first);
      const path = tilePath(0, first / TILE_WIDTH, width);
      const { bytes: hashes } = await client.get(`${url}/${path}`);
      if (hashes.length !== width * HASH) return [`ledger over HTTP: ${path} has ${hashes.length} bytes`];
      for (let at = 0; at < hashes.length; at += HASH) tree.append(hashes.subarray(at, at + HASH));
    }
    if (size < entries.length) return [`ledger over HTTP: shows ${size} of ${entries.length} entries`];
    return equalBytes(tree.root(), fromBase64(root)) ? [] : ['ledger over HTTP: tiles and checkpoint differ'];
  } catch (error) {
    return [`ledger over HTTP: ${messageOf(error)}`];
  } finally {
    client.close();
  }
}
