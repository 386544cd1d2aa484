// A page that is kept open stays true.

import { freshen } from "./fresh.js";

setInterval(() => {
  if (!document.hidden) freshen();
}, 10000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) freshen();
});
