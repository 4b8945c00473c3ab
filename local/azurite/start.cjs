// Runs Azurite until its standard input closes, so that it never outlives the process that started it.
process.stdin.resume();
process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
// Told to end, it writes what it keeps and then has nothing left to wait for; a second signal would cut that short.
process.once("SIGTERM", () => process.stdin.destroy());
require("azurite/dist/src/azurite.js");
