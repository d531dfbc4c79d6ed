/** The tester's end of a connection, for applications that send their own messages to a node: v1 and v2, dialled or accepted. */
export { TesterConnection } from './tester-connection.js';
export { V2Endpoint } from './v2-endpoint.js';
export { TranscriptRecorder } from './transcript.js';
export { frameOf, messageText, type Reference } from './message-bytes.js';
export { versionFields } from './version-message.js';
export { commandDialler } from './dial-command.js';
export type { Dialler, DialRequest } from './node-under-test.js';
export type { ReceivedItem } from './tester-transport.js';
export type { Sent } from './case.js';
export { loopbackSources } from './loopback-net.js';
