import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { keepToken } from "./api";
import { Shell } from "./Shell";
import "./style.css";

keepToken();
// What changes is told by the stream, so nothing is asked again by the clock.
const client = new QueryClient({ defaultOptions: { queries: { staleTime: 60_000, retry: 1 } } });

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <Shell />
      </QueryClientProvider>
    </StrictMode>,
  );
}
