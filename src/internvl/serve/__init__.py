"""The server: the OpenAI form of HTTP in front of one model, in one process. It sees requests and replies, never a tensor."""
