import { JsonError, parseJsonBytes } from '@provability-fabric/kernel';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

/**
 * A message that came as the body of an HTTP message or of an event, as one line. Line breaks between its tokens
 * become spaces, so that every transport can carry it and what was decided is what is sent, byte for byte. Inside a
 * string they are no JSON: such text stays as it is, and the codec refuses it.
 */
export function oneLine(text: Buffer): Buffer {
  const isBroken = text.includes(LINE_FEED) || text.includes(CARRIAGE_RETURN);
  const line = Buffer.allocUnsafe(text.length + 1);
  text.copy(line);
  line[text.length] = LINE_FEED;
  if (!isBroken || !isJson(text)) return line;
  for (let at = 0; at < text.length; at++) {
    if (line[at] === LINE_FEED || line[at] === CARRIAGE_RETURN) line[at] = SPACE;
  }
  return line;
}

function isJson(text: Buffer): boolean {
  try {
    parseJsonBytes(text);
    return true;
  } catch (error) {
    if (error instanceof JsonError) return false;
    throw error;
  }
}
