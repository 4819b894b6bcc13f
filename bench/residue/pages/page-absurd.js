// What absurd-sql asks of the page that started its worker; it does nothing for others.
import { initBackend } from 'absurd-sql/dist/indexeddb-main-thread';

initBackend(window.peerWorker);
