import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const belay = process.env.BELAY_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: { outDir: "dist", emptyOutDir: true },
  // `npm run dev` shows a running Belay's data.
  server: { proxy: { "/api": { target: belay, changeOrigin: true, headers: { origin: belay } } } },
});
