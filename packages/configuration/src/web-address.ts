/** Why an address cannot be used. It never repeats what may be a credential: user information, a query. */
export type WebAddress =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly problem: string };

/** An http(s) address without credentials in it. Plain http only to this machine, where `loopbackOnly` asks for that. */
export function parseWebAddress(
  text: unknown,
  { loopbackOnly }: { readonly loopbackOnly: boolean },
): WebAddress {
  const refused = (problem: string): WebAddress => ({ ok: false, problem });
  const url = typeof text === 'string' && text.length <= 2048 && URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return refused('expected an address such as `https://tools.example/mcp`, came something else');
  if (url.username !== '' || url.password !== '')
    return refused(
      'expected an address without a user name or password; this file is no place for a secret, take them out',
    );
  if (url.hash !== '') return refused('expected an address without `#…`; take that part out');
  if (loopbackOnly && url.protocol === 'http:' && !isLoopback(url.hostname))
    return refused(
      `expected https, since \`${url.host.slice(0, 80)}\` is not this machine; plain http is for loopback only`,
    );
  return { ok: true, url };
}

/** How an address may be shown: a query can hold a key. */
export function shownAddress(address: string): string {
  const { origin, pathname, search } = new URL(address);
  return `${origin}${pathname}${search === '' ? '' : '?…'}`;
}

/** `URL` has brought every spelling of an address into one form by now. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
